"""From the files of a checkpoint to something that runs: ONNX Runtime or PyTorch."""
