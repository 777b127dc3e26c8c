"""The rubric of the local judge: what each criterion looks for in a draft."""
