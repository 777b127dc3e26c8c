"""Records to datasets: labels from decisions, splits, versions, files to train from."""
