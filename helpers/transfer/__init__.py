"""What moves knowledge from source to target: objective, fine-tuning, strategies."""
