"""What is on each page, as plain values made by pure functions: templates only lay them out. No Flask here."""
