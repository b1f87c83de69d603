"""`gateway.yaml`: its shape, its file, and which deployments serve what."""

from services.gateway.policy.file import load_policy
from services.gateway.policy.models import Alias, Deployment, Policy
from services.gateway.policy.router import Router, Target

__all__ = ["Alias", "Deployment", "Policy", "Router", "Target", "load_policy"]
