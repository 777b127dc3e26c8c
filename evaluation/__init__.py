"""What the figures say: graders, statistics, reports."""
