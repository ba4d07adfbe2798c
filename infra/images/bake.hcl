# docker buildx bake -f infra/images/bake.hcl            every image, for this machine
# docker buildx bake -f infra/images/bake.hcl release    for amd64 and arm64, pushed to REGISTRY
variable "REGISTRY" { default = "holdfast" }
variable "TAG" { default = "dev" }

group "default" { targets = ["image"] }
group "release" { targets = ["release-image"] }

target "image" {
  name       = "image-${replace(program.name, "_", "-")}"
  matrix     = { program = PROGRAMS }
  context    = "."
  dockerfile = "infra/images/Dockerfile"
  args       = { PROGRAM = program.folder, PORT = program.port }
  tags       = ["${REGISTRY}/${program.name}:${TAG}"]
}

target "release-image" {
  inherits  = ["image-${replace(program.name, "_", "-")}"]
  name      = "release-${replace(program.name, "_", "-")}"
  matrix    = { program = PROGRAMS }
  platforms = ["linux/amd64", "linux/arm64"]
  # Who built it from what, for those who check before they run it.
  attest    = ["type=provenance,mode=max", "type=sbom"]
}

variable "PROGRAMS" {
  default = [
    { name = "gateway", folder = "services/gateway", port = "8080" },
    { name = "booking", folder = "services/booking", port = "8081" },
    { name = "payment", folder = "services/payment", port = "8082" },
    { name = "notification", folder = "services/notification", port = "8083" },
    { name = "database", folder = "infra/database", port = "0" },
    { name = "provider-simulator", folder = "infra/provider-simulator", port = "8084" },
    { name = "mail-catcher", folder = "infra/mail-catcher", port = "8085" },
    { name = "quoter", folder = "infra/quoter", port = "8086" },
  ]
}
