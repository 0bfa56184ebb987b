"""Everything SQLAlchemy: tables, transactions, and what each database is special in."""
