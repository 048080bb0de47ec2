"""Text or pixels to a unit vector. The only room that imports onnxruntime, and only in `ort.py`."""
