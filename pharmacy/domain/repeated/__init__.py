"""Questions that were asked before: when two are one, and which may be answered from memory."""
