"""The steps of the flow, one file each."""
