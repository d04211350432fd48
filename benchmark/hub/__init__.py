"""A data set and a board as folders to upload to a data hub, by the conventions of Hugging Face."""
