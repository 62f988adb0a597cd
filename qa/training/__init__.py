"""Fine-tuning a reader on SQuAD files: examples, hard negatives, the loss over several passages, the card."""
