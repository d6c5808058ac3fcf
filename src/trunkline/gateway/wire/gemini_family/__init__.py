"""What Google's wires share: errors, the names of models, and members in either spelling."""
