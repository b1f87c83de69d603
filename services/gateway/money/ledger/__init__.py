"""What every attempt cost: prices, the record of each attempt, its sums and its archive."""
