"""Text to model inputs, and model outputs to scores; one module a task."""
