"""What runs here: from claimed runs to results that the store has taken, and what instances left that are gone."""
