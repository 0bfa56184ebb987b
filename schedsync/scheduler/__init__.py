"""Everything APScheduler: its loop over our store, triggers and executors."""
