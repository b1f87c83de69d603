"""Who of the supervisor's replicas is there, what each has in hand, and who ends what a dead one leaves."""
