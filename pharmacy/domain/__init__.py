"""Plain values and pure rules; imports nothing of Kakari outside itself."""
