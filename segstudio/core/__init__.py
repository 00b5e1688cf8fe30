"""What is true without Qt, TensorFlow or a disk: masks, edits, samples, metrics and the words of a job."""
