# syntax=docker/dockerfile:1
# Two stages: installed where compilers and caches may be, run where neither is.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md ./
COPY relay ./relay
RUN python -m venv /opt/ses-relay \
 && /opt/ses-relay/bin/pip install --no-cache-dir ".[fast]"

FROM python:3.12-slim-bookworm
# Nothing but the queue's folder is ever written, so the root file system may be read-only. It is
# open to group 0 as well: platforms that choose an arbitrary uid run it in that group.
RUN install -d -o 10001 -g 0 -m 0770 /var/lib/ses-relay
COPY --from=build /opt/ses-relay /opt/ses-relay
ENV PATH=/opt/ses-relay/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# A number, not a name: Kubernetes' runAsNonRoot looks at it.
USER 10001:10001
VOLUME /var/lib/ses-relay
EXPOSE 2525 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["ses-relay"]
CMD ["serve"]
