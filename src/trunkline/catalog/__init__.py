"""Models, prices and capabilities as data, and their reader."""
