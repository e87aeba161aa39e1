/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes as a guest's XML. Beyond not crashing, the target checks this: whatever the XML contains, the
 * drop-in has no directive and the command line no option that is not listed here, and systemd would read
 * exactly the planned command line from the drop-in. The reader here is independent of the writer that it
 * checks. What vmctl define and rename write into the XML must be what a conversion of the result reads.
 */

#include "generator/unit/drop-in.h"
#include "guest/identity.h"
#include "guest/xml/edit.h"
#include "tests/unit/test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const flags[] = {
        "-S",       "-nodefaults", "-no-user-config", "-no-shutdown", "-no-reboot",
        "-no-hpet", "-no-acpi",    "-mem-prealloc",   "-full-screen", NULL,
};

static const char *const options[] = {
        "-accel",
        "-acpitable",
        "-add-fd",
        "-append",
        "-audiodev",
        "-bios",
        "-blockdev",
        "-boot",
        "-chardev",
        "-compat",
        "-cpu",
        "-device",
        "-display",
        "-drive",
        "-dtb",
        "-fsdev",
        "-fw_cfg",
        "-global",
        "-incoming",
        "-initrd",
        "-k",
        "-kernel",
        "-m",
        "-machine",
        "-mon",
        "-msg",
        "-name",
        "-netdev",
        "-numa",
        "-object",
        "-overcommit",
        "-qmp",
        "-rtc",
        "-run-with",
        "-sandbox",
        "-shim",
        "-smbios",
        "-smp",
        "-spice",
        "-tpmdev",
        "-uuid",
        "-vnc",
        "-watchdog-action",
        "-action",
        NULL,
};

static const char *const directives[] = {
        "AllowedCPUs",
        "AllowedMemoryNodes",
        "AmbientCapabilities",
        "AppArmorProfile",
        "BindPaths",
        "BindReadOnlyPaths",
        "CapabilityBoundingSet",
        "CPUQuota",
        "CPUQuotaPeriodSec",
        "CPUWeight",
        "Description",
        "DeviceAllow",
        "Environment",
        "ExecStart",
        "ExecReload",
        "ExecStartPost",
        "ExecStartPre",
        "ExecStopPost",
        "FileDescriptorStoreMax",
        "IOReadBandwidthMax",
        "IOReadIOPSMax",
        "IOWeight",
        "IODeviceWeight",
        "IOWriteBandwidthMax",
        "IOWriteIOPSMax",
        "IPAddressAllow",
        "LimitMEMLOCK",
        "LimitRTPRIO",
        "LoadCredential",
        "LoadCredentialEncrypted",
        "LogExtraFields",
        "MemoryDenyWriteExecute",
        "MemoryHigh",
        "MemoryLow",
        "MemoryMax",
        "MemorySwapMax",
        "InaccessiblePaths",
        "NoExecPaths",
        "NUMAMask",
        "NUMAPolicy",
        "PrivateNetwork",
        "PrivateTmp",
        "ProtectHome",
        "RestrictAddressFamilies",
        "RestrictNamespaces",
        "RestrictRealtime",
        "SELinuxContext",
        "SetCredential",
        "Slice",
        "SocketBindAllow",
        "SocketBindDeny",
        "SourcePath",
        "StateDirectory",
        "SupplementaryGroups",
        "SystemCallFilter",
        "User",
        "CPUSchedulingPolicy",
        "PrivateUsers",
        "PrivateDevices",
        "BindsTo",
        "After",
        "Requires",
        "RequiresMountsFor",
        "Wants",
        "RuntimeDirectory",
        NULL,
};

static bool among(const char *const *list, const char *word)
{
        for (; *list; list++)
                if (streq(*list, word))
                        return true;
        return false;
}

/* <qemu:commandline> may contain any option, so guests that use it are not checked for options. */
static void check_options(const Strings *argv, const char *xml)
{
        if (strstr(xml, "libvirt.org/schemas/domain/qemu"))
                return;
        for (size_t i = 1; i < argv->count; i++) {
                if (among(flags, argv->items[i]))
                        continue;
                if (!among(options, argv->items[i])) {
                        fprintf(stderr, "unexpected option: %s\n", argv->items[i]);
                        abort();
                }
                i++;
                CHECK(i < argv->count);
        }
}

/* The next word of a command line as in systemd.service(5), specifiers and variables unescaped; NULL at its
 * end. */
static char *next_word(const char **at)
{
        char *word, *to, quote = 0;
        const char *s = *at;

        while (*s == ' ' || (s[0] == '\\' && s[1] == '\n'))
                s += *s == ' ' ? 1 : 2;
        if (*s == '\n' || !*s)
                return NULL;
        word = to = malloc(strlen(s) + 1);
        CHECK(word);
        if (*s == '"' || *s == '\'')
                quote = *s++;
        while (quote ? *s != quote : *s != ' ' && *s != '\n') {
                CHECK(*s && *s != '\n');
                if (*s == '\\' && s[1] == 'x') {
                        *to++ = (char) text_hex_byte(s + 2);
                        s += 4;
                        continue;
                }
                if (*s == '\\')
                        s++;
                else if (*s == '%' || *s == '$') {
                        CHECK(s[1] == s[0]);
                        s++;
                }
                *to++ = *s++;
        }
        *to = '\0';
        *at = s + (quote ? 1 : 0);
        return word;
}

static void check_command(const char *drop_in, const Strings *argv)
{
        const char *at = strstr(drop_in, "\nExecStart=/");
        bool behind_dashes = false;
        size_t i = 0;
        char *word;

        CHECK(at);
        at += strlen("\nExecStart=");
        while ((word = next_word(&at))) {
                if (behind_dashes) {
                        CHECK(i < argv->count);
                        CHECK_TEXT(word, argv->items[i]);
                        i++;
                } else
                        behind_dashes = streq(word, "--");
                free(word);
        }
        CHECK_NUMBER(i, argv->count);
}

static void check_directives(const char *drop_in)
{
        bool continued = false;

        for (const char *line = drop_in; *line;) {
                const char *end = strchr(line, '\n');
                char key[64];
                size_t n = strcspn(line, "=\n");

                CHECK(end);
                if (!continued && line[0] != '#' && line[0] != '[' && line[0] != '\n') {
                        CHECK(n < sizeof(key) && line[n] == '=');
                        memcpy(key, line, n);
                        key[n] = '\0';
                        if (!among(directives, key)) {
                                fprintf(stderr, "unexpected directive: %s\n", key);
                                abort();
                        }
                }
                continued = end > line && end[-1] == '\\';
                line = end + 1;
        }
}

static void check_edits(const Host *host, const Conversion *c, const char *data, size_t size)
{
        _cleanup_(xml_edits_done) XmlEdits edits = { .data = data, .size = size };
        _cleanup_(conversion_done) Conversion later = { 0 };
        _cleanup_(freep) char *text = NULL;
        const Guest *g = c->guest;

        for (size_t i = 0; i < g->n_identities; i++)
                if (g->identities[i].missing)
                        CHECK_NUMBER(
                                xml_edits_set(
                                        &edits, g->identities[i].element, g->identities[i].path, "name",
                                        g->identities[i].value),
                                0);
        CHECK_NUMBER(xml_edits_apply(&edits, &text, &size), 0);
        CHECK_NUMBER(conversion_start(&later, host), 0);
        CHECK_NUMBER(conversion_data(&later, "fuzz.xml", text, size, NULL), 0);
        for (size_t i = 0; i < g->n_identities; i++)
                if (!g->identities[i].quiet)
                        CHECK_TEXT(
                                identity_find(later.guest, g->identities[i].kind, g->identities[i].index),
                                g->identities[i].value);
        for (size_t i = 0; i < later.guest->n_identities; i++)
                CHECK(!later.guest->identities[i].missing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(freep) char *xml = strndup((const char *) data, size), *drop_in = NULL;
        Conversion c;
        Host host;
        size_t length;

        CHECK(xml);
        CHECK(host_read(&host, "/nonexistent", false) >= 0);
        CHECK(conversion_start(&c, &host) >= 0);
        (void) conversion_data(&c, "fuzz.xml", (const char *) data, size, NULL);
        CHECK(c.status == 0 || findings_failed(c.findings));
        CHECK(drop_in_text(&c, "fuzz", "/etc/vmunit/guests/fuzz.xml", &drop_in, &length) >= 0);
        CHECK_NUMBER(strlen(drop_in), length);
        check_directives(drop_in);
        if (c.status == 0) {
                check_options(&c.plan.argv, xml);
                check_command(drop_in, &c.plan.argv);
                check_edits(&host, &c, (const char *) data, size);
        }
        conversion_done(&c);
        host_done(&host);
        return 0;
}
