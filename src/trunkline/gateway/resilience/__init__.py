"""What keeps a route alive: circuits, retries, cool-downs, hedges. No part knows a socket."""
