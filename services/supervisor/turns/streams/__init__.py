"""The event logs of turns as all replicas see them: a port, its adapter on Redis Streams, and one in memory."""
