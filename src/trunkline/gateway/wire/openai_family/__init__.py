"""What all of OpenAI's API formats share: errors and usage."""
