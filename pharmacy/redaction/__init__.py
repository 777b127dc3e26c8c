"""What hides a patient's identity before anything leaves."""
