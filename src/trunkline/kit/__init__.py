"""Small parts without product words: clock, identifiers, money."""
