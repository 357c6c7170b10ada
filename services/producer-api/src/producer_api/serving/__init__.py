"""How requests come in: gunicorn's threads, kept free of clients that are slow."""

from producer_api.serving.certificate import Certificate, WrongCertificate
from producer_api.serving.sockets import is_gone
from producer_api.serving.worker import EdgeWorker, edge_worker

__all__ = ["Certificate", "EdgeWorker", "WrongCertificate", "edge_worker", "is_gone"]
