"""The attribute VAE: which of the 200 attributes go together. One module a step; `data.py` says what is trained on."""
