/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lists of what the tables can produce, and a reader of drop-ins that is independent of the writer. */

#include "tests/fuzz/converted.h"

#include "generator/unit/drop-in.h"
#include "tests/unit/test.h"

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
        "ReadOnlyPaths",
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

static bool connects(const char *option, const char *value)
{
        static const struct {
                const char *option, *text;
        } connecting[] = {
                { "-blockdev", "\"driver\":\"nbd\"" },  { "-blockdev", "\"driver\":\"iscsi\"" },
                { "-blockdev", "\"driver\":\"rbd\"" },  { "-blockdev", "\"driver\":\"nfs\"" },
                { "-blockdev", "\"driver\":\"ssh\"" },  { "-blockdev", "\"driver\":\"http" },
                { "-blockdev", "\"driver\":\"ftp" },    { "-object", "\"qom-type\":\"pr-manager-helper\"" },
                { "-netdev", "\"type\":\"socket\"" },   { "-netdev", "\"type\":\"vhost-user\"" },
                { "-audiodev", "\"driver\":\"pa\"" },   { "-audiodev", "\"driver\":\"pipewire\"" },
                { "-audiodev", "\"driver\":\"jack\"" }, { "-audiodev", "\"driver\":\"sdl\"" },
                { "-audiodev", "\"driver\":\"alsa\"" },
        };

        for (size_t i = 0; i < ELEMENTS(connecting); i++)
                if (streq(option, connecting[i].option) && strstr(value, connecting[i].text))
                        return true;
        if (streq(option, "-display"))
                return text_after(value, "sdl") || text_after(value, "dbus");
        return streq(option, "-chardev") &&
               (text_after(value, "udp,") ||
                (text_after(value, "socket,") && !strstr(value, ",fd=") && !strstr(value, ",server=on")));
}

/* Whatever connects has to say so, or QEMU's filter would refuse it. */
static void check_peers(const Plan *p)
{
        for (size_t i = 1; i + 1 < p->argv.count; i++)
                if (connects(p->argv.items[i], p->argv.items[i + 1]) && !p->peers) {
                        fprintf(stderr, "connects without plan_peers(): %s\n", p->argv.items[i + 1]);
                        abort();
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

void check_converted(Conversion *c, const char *file, const char *xml)
{
        _cleanup_(freep) char *drop_in = NULL;
        size_t length;

        CHECK(c->status == 0 || findings_failed(c->findings));
        CHECK(drop_in_text(c, "fuzz", file, &drop_in, &length) >= 0);
        CHECK_NUMBER(strlen(drop_in), length);
        check_directives(drop_in);
        if (c->status < 0)
                return;
        check_options(&c->plan.argv, xml);
        check_peers(&c->plan);
        check_command(drop_in, &c->plan.argv);
}
