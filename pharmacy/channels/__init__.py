"""The ways out to a patient."""
