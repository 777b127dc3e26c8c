"""From examples to a student, node by node."""
