"""One layer that takes personal data out of whatever is logged, traced, counted or learned from."""
