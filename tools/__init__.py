"""Command-line tools and the Python API behind them."""
