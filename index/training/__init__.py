"""Fine-tuning: the loop, its settings and its checkpoints, the same for readers and encoders."""
