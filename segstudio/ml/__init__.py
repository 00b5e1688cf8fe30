"""TensorFlow lives here and nowhere else: data, fit, predict, evaluate, device."""
