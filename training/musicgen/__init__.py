"""MusicGen: nothing is trained here; what PyTorch computes of it, for the graphs that the service builds itself."""
