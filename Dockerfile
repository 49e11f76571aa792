# syntax=docker/dockerfile:1
# Two stages: wheels are built where compilers and caches may be, and run where neither is.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md ./
COPY relay ./relay
RUN python -m venv /opt/ses-relay \
 && /opt/ses-relay/bin/pip install --no-cache-dir ".[fast]"

FROM python:3.12-slim-bookworm
# A fixed number, not a name: Kubernetes' runAsNonRoot needs it, and any other uid works as well,
# because nothing outside the queue's volume is ever written.
RUN install -d -o 10001 -g 10001 -m 0750 /var/lib/ses-relay
COPY --from=build /opt/ses-relay /opt/ses-relay
ENV PATH=/opt/ses-relay/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
VOLUME /var/lib/ses-relay
EXPOSE 2525 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["ses-relay"]
CMD ["serve"]
