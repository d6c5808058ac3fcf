"""From a plan to an answer: attempts at one target after another until one of them holds."""
