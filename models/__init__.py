"""Neural networks: training, export to ONNX and measurement of the bundled model. Only this package imports torch."""
