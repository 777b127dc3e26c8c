"""The formulas that ship: one file each, every fact with its public source."""
