"""The pages that pharmacists work on."""
