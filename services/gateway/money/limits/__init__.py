"""What a caller may use: requests and tokens a minute, concurrent streams, turns' and conversations' budgets."""
