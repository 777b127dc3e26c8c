"""The ways to train a student, each behind the same port."""
