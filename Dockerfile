# Classify footage, review it, evaluate and export: no torch, about 1.5 GB.
#     docker build -t leopardnet .
#     docker run --rm -v "$PWD:/data" leopardnet predict cards/ --bundle bundle/ --out results/
# With training (torch, about 7 GB):
#     docker build -t leopardnet:train --build-arg EXTRA="[train]" .
FROM python:3.11-slim

ARG EXTRA=""
ENV PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

WORKDIR /opt/leopardnet
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY configs configs
COPY src src
RUN pip install -c constraints.txt ".${EXTRA}"

# Files that the container writes belong to whoever runs it: docker run --user "$(id -u):$(id -g)"
RUN useradd --create-home ranger
USER ranger
ENV HOME=/home/ranger
WORKDIR /data
ENTRYPOINT ["leopardnet"]
CMD ["--help"]
