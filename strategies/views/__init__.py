"""Pages of strategies, signals and orders."""
