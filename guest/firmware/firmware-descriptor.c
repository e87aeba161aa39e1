/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Source: QEMU's docs/interop/firmware.json. A file of the administrator replaces the distribution's
 * with the same name; an empty one only hides it. They are tried in the order of their names.
 *
 * Descriptors belong to root and are trusted. They are still read with limits, since a broken one must not
 * affect all guests.
 */

#include "guest/firmware/firmware-descriptor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>

#include "guest/guest.h"
#include "util/file.h"
#include "util/text.h"

#define DESCRIPTOR_SIZE_MAX (64 * 1024)
#define DESCRIPTORS_MAX     256

static const char *const directories[] = { "/usr/share/qemu/firmware",
                                           "/etc/qemu/firmware" }; /* later ones win */

static const struct {
        const char *name;
        FirmwareFeature feature;
} features[] = {
        { "acpi-s3", FIRMWARE_S3 },
        { "acpi-s4", FIRMWARE_S4 },
        { "amd-sev", FIRMWARE_SEV },
        { "amd-sev-es", FIRMWARE_SEV_ES },
        { "amd-sev-snp", FIRMWARE_SEV_SNP },
        { "host-uefi-vars", FIRMWARE_HOST_VARIABLES },
        { "intel-tdx", FIRMWARE_TDX },
        { "enrolled-keys", FIRMWARE_ENROLLED_KEYS },
        { "requires-smm", FIRMWARE_REQUIRES_SMM },
        { "secure-boot", FIRMWARE_SECURE_BOOT },
};

typedef struct Name {
        char *name;
        size_t directory;
} Name;

typedef struct Names {
        Name items[DESCRIPTORS_MAX];
        size_t count;
} Names;

static void names_done(Names *n)
{
        for (size_t i = 0; i < n->count; i++)
                free(n->items[i].name);
}

static int add_name(Names *n, const char *name, size_t directory)
{
        for (size_t i = 0; i < n->count; i++)
                if (streq(n->items[i].name, name)) {
                        n->items[i].directory = directory;
                        return 0;
                }
        if (n->count == DESCRIPTORS_MAX)
                return 0;
        n->items[n->count] = (Name){ strdup(name), directory };
        return n->items[n->count++].name ? 0 : -ENOMEM;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(((const Name *) a)->name, ((const Name *) b)->name);
}

static int list(FirmwareDescriptors *d, Names *names, const char *root)
{
        for (size_t i = 0; i < ELEMENTS(directories); i++) {
                _cleanup_(freep) char *path = text_format("%s%s", root ?: "", directories[i]);
                _cleanup_(closedirp) DIR *dir = path ? opendir(path) : NULL;
                int r = 0;

                if (!path)
                        return -ENOMEM;
                if (!dir)
                        continue;
                d->any_directory = true;
                for (struct dirent *e = readdir(dir); e && r >= 0; e = readdir(dir))
                        if (e->d_name[0] != '.' && text_ends_with(e->d_name, ".json"))
                                r = add_name(names, e->d_name, i);
                if (r < 0)
                        return r;
        }
        qsort(names->items, names->count, sizeof(names->items[0]), compare_names);
        return 0;
}

static const char *text_of(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

static bool parse_mapping(FirmwareDescriptor *f)
{
        const json_t *mapping = json_object_get(f->json, "mapping"),
                     *code = json_object_get(mapping, "executable");
        const json_t *vars = json_object_get(mapping, "nvram-template");
        const char *device = text_of(mapping, "device"), *mode = text_of(mapping, "mode") ?: "split";

        if (!device)
                return false;
        if (streq(device, "memory")) {
                f->device = FIRMWARE_MEMORY;
                f->code = text_of(mapping, "filename");
                f->vars = text_of(json_object_get(mapping, "uefi-vars"), "template");
                return f->code != NULL;
        }
        if (!streq(device, "flash"))
                return false;
        f->device = FIRMWARE_FLASH;
        f->mode = streq(mode, "split")      ? FIRMWARE_SPLIT
                  : streq(mode, "combined") ? FIRMWARE_COMBINED
                                            : FIRMWARE_STATELESS;
        f->code = text_of(code, "filename");
        f->code_format = text_of(code, "format");
        f->vars = text_of(vars, "filename");
        f->vars_format = text_of(vars, "format");
        return f->code && f->code_format && (f->mode != FIRMWARE_SPLIT || (f->vars && f->vars_format));
}

/* Firmware of other kinds (Open Firmware, a kernel instead of firmware) is left out. */
static bool parse(FirmwareDescriptor *f)
{
        size_t i;
        json_t *item;

        json_array_foreach(json_object_get(f->json, "interface-types"), i, item) {
                const char *name = json_string_value(item) ?: "";

                if (streq(name, "bios"))
                        f->interfaces |= 1u << FIRMWARE_BIOS;
                else if (streq(name, "uefi"))
                        f->interfaces |= 1u << FIRMWARE_EFI;
        }
        json_array_foreach(json_object_get(f->json, "features"), i, item)
                for (size_t j = 0; j < ELEMENTS(features); j++)
                        if (json_is_string(item) && streq(features[j].name, json_string_value(item)))
                                f->features |= features[j].feature;
        return f->interfaces && parse_mapping(f);
}

static int load_one(
        FirmwareDescriptors *d, const Name *name, const char *root, Findings *findings, Place place)
{
        _cleanup_(freep) char *path = text_format(
                                      "%s%s/%s", root ?: "", directories[name->directory], name->name),
                              *data = NULL;
        FirmwareDescriptor f = { 0 };
        size_t size;
        int r;

        if (!path)
                return -ENOMEM;
        r = file_read(AT_FDCWD, path, DESCRIPTOR_SIZE_MAX, &data, &size);
        if (r == -ENOMEM)
                return r;
        if (r >= 0 && size == 0)
                return 0;
        if (r >= 0)
                f.json = json_loadb(data, size, 0, NULL);
        if (!f.json) {
                finding(findings, SEVERITY_WARNING, place, "cannot read firmware descriptor %s: %s", path,
                        r < 0 ? strerror(-r) : "not JSON");
                return 0;
        }
        if (parse(&f))
                d->items[d->count++] = f;
        else
                json_decref(f.json);
        return 0;
}

int firmware_descriptors_load(FirmwareDescriptors *d, const char *root, Findings *findings, Place place)
{
        Names names = { .count = 0 };
        int r;

        r = list(d, &names, root);
        if (r >= 0) {
                d->items = calloc(names.count + 1, sizeof(*d->items));
                r = d->items ? 0 : -ENOMEM;
        }
        for (size_t i = 0; r >= 0 && i < names.count; i++)
                r = load_one(d, &names.items[i], root, findings, place);
        names_done(&names);
        return r;
}

void firmware_descriptors_done(FirmwareDescriptors *d)
{
        for (size_t i = 0; i < d->count; i++)
                json_decref(d->items[i].json);
        free(d->items);
        *d = (FirmwareDescriptors){ 0 };
}

bool firmware_descriptor_targets(const FirmwareDescriptor *d, const char *arch, const char *machine)
{
        size_t i, j;
        json_t *target, *pattern;

        json_array_foreach(json_object_get(d->json, "targets"), i, target) {
                if (!streq_null(text_of(target, "architecture"), arch))
                        continue;
                json_array_foreach(json_object_get(target, "machines"), j, pattern)
                        if (json_is_string(pattern) && fnmatch(json_string_value(pattern), machine, 0) == 0)
                                return true;
        }
        return false;
}
