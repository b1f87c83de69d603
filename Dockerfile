# Every image of the system. The target says which rooms of the library it carries: those that its service imports, and no
# others (tests/unit/test_images.py). A new agent is a `specialist`:
#   docker build --target specialist --build-arg SERVICE=shipping --build-arg PORT=8084 -t switchboard/shipping .
FROM python:3.11-slim AS packages
# Packages change seldom and code often: this layer is kept as long as the lock is.
ARG PACKAGES=specialist
COPY requirements/${PACKAGES}.lock /tmp/requirements.lock
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --no-compile --require-hashes -r /tmp/requirements.lock

FROM python:3.11-slim AS service
RUN useradd --uid 10001 --no-create-home switchboard && install -d -o 10001 -g 10001 /data
COPY --from=packages /venv /venv
ARG SERVICE
ARG PORT
# Only its own sidecar reaches a service, unless its address is given otherwise.
ARG HOST=127.0.0.1
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 SWITCHBOARD_DATA_DIR=/data SWITCHBOARD_HOST=${HOST} \
  APP_PORT=${PORT} SERVICE=${SERVICE}
WORKDIR /app
COPY switchboard/__init__.py switchboard/serve.py switchboard/
COPY switchboard/contracts switchboard/contracts
COPY switchboard/serving switchboard/serving
COPY switchboard/telemetry switchboard/telemetry
COPY services/__init__.py services/
COPY services/${SERVICE} services/${SERVICE}
USER 10001
VOLUME /data
EXPOSE ${PORT}
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=12 \
  CMD ["sh", "-c", "exec python -c \"import urllib.request as u; u.urlopen('http://127.0.0.1:$APP_PORT/healthz', timeout=2)\""]
CMD ["sh", "-c", "exec python -m switchboard.serve services/$SERVICE"]

FROM service AS console
COPY switchboard/identity switchboard/identity

FROM service AS gateway
COPY switchboard/caching switchboard/caching
COPY switchboard/ledger switchboard/ledger
COPY switchboard/models switchboard/models
COPY switchboard/redis switchboard/redis
COPY switchboard/text switchboard/text

FROM service AS supervisor
COPY switchboard/caching switchboard/caching
COPY switchboard/experiments switchboard/experiments
COPY switchboard/identity switchboard/identity
COPY switchboard/memory switchboard/memory
COPY switchboard/models switchboard/models
COPY switchboard/redis switchboard/redis
COPY switchboard/text switchboard/text
COPY switchboard/routing switchboard/routing
COPY switchboard/scoring switchboard/scoring
COPY switchboard/sidecar switchboard/sidecar

FROM service AS specialist
COPY switchboard/agent switchboard/agent
COPY switchboard/caching switchboard/caching
COPY switchboard/experiments switchboard/experiments
COPY switchboard/knowledge switchboard/knowledge
COPY switchboard/models switchboard/models
COPY switchboard/text switchboard/text
COPY switchboard/scoring switchboard/scoring
COPY switchboard/sidecar switchboard/sidecar

# The three specialists of the demo company fill their databases when they start.
FROM specialist AS demo-specialist
COPY switchboard/demo switchboard/demo
