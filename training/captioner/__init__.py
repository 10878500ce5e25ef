"""The captioner: attributes in, a caption out. One module a step; `data.py` says what it is trained on."""
