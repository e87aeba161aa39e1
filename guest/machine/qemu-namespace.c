/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vmunit does not interpret these arguments; it passes them to QEMU. They cannot widen the unit's sandbox:
 * the administrator has to grant access to what they use in a drop-in. The policy may forbid them. Variables
 * are set for all commands of the unit, some of which run as root, so those that affect how programs start
 * are refused.
 */

#include "guest/machine/qemu-namespace.h"

#include <errno.h>
#include <limits.h>

#include "contract/limits.h"
#include "contract/line/colon.h"
#include "contract/options.h"
#include "guest/guest.h"
#include "guest/part.h"

static const char *const behavior_words[] = { "none", "omit", "reject", "crash", NULL };
enum { BEHAVIOR_NONE = 1, BEHAVIOR_OMIT, BEHAVIOR_REJECT, BEHAVIOR_CRASH };
static const char *const property_words[] = { "string", "signed", "unsigned", "bool", "remove", NULL };
enum { PROPERTY_STRING = 1, PROPERTY_SIGNED, PROPERTY_UNSIGNED, PROPERTY_BOOL, PROPERTY_REMOVE };

static const Field namespace_fields[] = {
        FIELD("qemu:commandline", FIELD_ELEMENT, QemuNamespace, command_line),
        FIELD("qemu:override", FIELD_ELEMENT, QemuNamespace, override),
        FIELD("qemu:deprecation", FIELD_ELEMENT, QemuNamespace, deprecation),
        FIELD_OF_WORDS("qemu:deprecation@behavior", QemuNamespace, deprecation_behavior, behavior_words),
        FIELD_SAID(
                "qemu:capabilities", FIELD_WARNED, "ignored: vmunit keeps no list of QEMU's capabilities"),
        {},
};

static bool variable_is_harmless(const char *name)
{
        static const char *const reserved[] = {
                "PATH",
                "HOME",
                "NOTIFY_SOCKET",
                "LISTEN_FDS",
                "LISTEN_FDNAMES",
                "LISTEN_PID",
                "RUNTIME_DIRECTORY",
                "STATE_DIRECTORY",
                "CREDENTIALS_DIRECTORY",
                "MAINPID",
                "WATCHDOG_USEC",
                "WATCHDOG_PID",
                "INVOCATION_ID",
                "JOURNAL_STREAM",
                "IFS",
                NULL,
        };

        return !words_find(reserved, name) && !text_after(name, "LD_") && !text_after(name, "GCONV_") &&
               !text_after(name, "SYSTEMD_") && !text_after(name, "MALLOC_") && !text_after(name, "GLIBC_");
}

static void read_command_line(Guest *g, XmlElement *xml)
{
        XML_FOREACH(e, xml, "qemu:arg") {
                const char *value = xml_attribute(e, "value");

                if (!value || !*value)
                        guest_error(g, e->place, "<qemu:arg>: the attribute value is required");
        }
        XML_FOREACH(e, xml, "qemu:env") {
                const char *name = xml_attribute(e, "name");

                (void) xml_attribute(e, "value");
                if (!name ||
                    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") !=
                            strlen(name) ||
                    (*name >= '0' && *name <= '9') || !*name)
                        guest_error(
                                g, e->place, "<qemu:env>: name='%s' is not a valid variable name",
                                name ?: "");
                else if (!variable_is_harmless(name))
                        guest_error(
                                g, e->place,
                                "<qemu:env>: '%s' is not supported: it would affect other programs than "
                                "QEMU",
                                name);
        }
        guest_warning(
                g, xml->place,
                "<qemu:commandline>: the guest gets no access to files and devices that only these "
                "arguments name; grant it in a drop-in");
}

/* The value of an overridden property; NULL if the property is to be removed, or after an error. */
static json_t *property_value(XmlElement *e, int type, bool *ret_wrong)
{
        const char *value = xml_attribute(e, "value");
        uint64_t n;

        *ret_wrong = false;
        if (type == PROPERTY_REMOVE) {
                *ret_wrong = value != NULL;
                return NULL;
        }
        *ret_wrong = !value;
        if (!value)
                return NULL;
        if (type == PROPERTY_STRING)
                return json_string(value);
        if (type == PROPERTY_BOOL) {
                *ret_wrong = !streq(value, "true") && !streq(value, "false");
                return json_boolean(streq(value, "true"));
        }
        *ret_wrong = text_to_u64(value + (type == PROPERTY_SIGNED && *value == '-'), INT64_MAX, &n) < 0;
        if (*ret_wrong)
                return NULL;
        return json_integer(*value == '-' ? -(json_int_t) n : (json_int_t) n);
}

static void read_override(Guest *g, XmlElement *xml)
{
        XML_FOREACH(device, xml, "qemu:device") {
                XmlElement *frontend = xml_child(device, "qemu:frontend");

                if (!xml_attribute(device, "alias") || !frontend) {
                        guest_error(
                                g, device->place,
                                "<qemu:device>: the attribute alias and <qemu:frontend> are required");
                        continue;
                }
                XML_FOREACH(e, frontend, "qemu:property") {
                        const char *name = xml_attribute(e, "name"), *type_text = xml_attribute(e, "type");
                        int type = type_text ? words_find(property_words, type_text) : 0;
                        bool wrong = type == 0 || !name || !*name;

                        if (!wrong)
                                json_decref(property_value(e, type, &wrong));
                        if (wrong)
                                guest_error(
                                        g, e->place,
                                        "<qemu:property>: name, type (one of: string, signed, unsigned, "
                                        "bool, remove) and a value of that type are required");
                }
        }
}

static void qemu_namespace_read(Guest *g)
{
        QemuNamespace *q = guest_own(g, qemu_namespace);

        fields_read(g->xml, namespace_fields, q, g->findings);
        if (q->command_line)
                read_command_line(g, q->command_line);
        if (q->override)
                read_override(g, q->override);
}

static void qemu_namespace_build_first(const Guest *g, Plan *p)
{
        const QemuNamespace *q = g->qemu_namespace;

        if (!q->override)
                return;
        plan_build_at(p, q->override->place, q->override->name);
        plan_use(p, POLICY_QEMU_COMMANDLINE);
        XML_FOREACH(device, q->override, "qemu:device")
                XML_FOREACH(e, xml_child(device, "qemu:frontend"), "qemu:property") {
                        bool wrong;
                        json_t *value = property_value(
                                e, words_find(property_words, xml_attribute(e, "type")), &wrong);

                        plan_override(p, xml_attribute(device, "alias"), xml_attribute(e, "name"), value);
                }
}

static void build_deprecation(int behavior, Plan *p)
{
        Props compat = props_new("deprecated-output", "hide");

        if (behavior >= BEHAVIOR_REJECT)
                props_text(&compat, "deprecated-input", behavior == BEHAVIOR_REJECT ? "reject" : "crash");
        plan_list_named(p, "-compat", &compat);
}

/*
 * The launcher is told of what looks like a path (of the first ones, which is enough to explain most
 * failures), so that it can say where the XML names a file that QEMU cannot open: each argument is of
 * another form ("file=/a,b=c", "unix:/a", JSON).
 */
static void build_paths(const char *value, unsigned line, Plan *p, unsigned *left)
{
        for (const char *at = strchr(value, '/'); at && *left > 0; at = strchr(at + 1, '/')) {
                _cleanup_(freep) char *path = NULL;
                size_t n = 0;

                if ((at != value && !strchr("=,:\"", at[-1])) || at[1] == '/' || at[1] == '\0')
                        continue;
                (*left)--;
                while (n < PATH_MAX && at[n] && at[n] != ',' && at[n] != '"')
                        n++;
                if (n == PATH_MAX)
                        continue;
                path = text_format("%.*s", (int) n, at);
                if (path)
                        plan_run_value(p, OPTION_ARGUMENT_PATH, argument_path_write(line, path));
        }
}

static void qemu_namespace_build_last(const Guest *g, Plan *p)
{
        const QemuNamespace *q = g->qemu_namespace;
        unsigned left = ARGUMENT_PATHS_MAX;

        for (size_t i = 0; i < p->n_overrides; i++)
                if (!p->overrides[i].used)
                        guest_error(
                                g, q->override->place, "<qemu:override>: there is no device with alias '%s'",
                                p->overrides[i].id);
        if (q->deprecation_behavior >= BEHAVIOR_OMIT)
                build_deprecation(q->deprecation_behavior, p);
        if (!q->command_line)
                return;
        plan_build_at(p, q->command_line->place, q->command_line->name);
        plan_use(p, POLICY_QEMU_COMMANDLINE);
        /* nothing is known of what these need, and io_uring would let QEMU evade other filters */
        plan_calls(p, CALLS_MEMFD);
        plan_calls(p, CALLS_INOTIFY);
        plan_peers(p);
        plan_scratch(p);
        XML_FOREACH(e, q->command_line, "qemu:arg") {
                plan_flag(p, xml_attribute(e, "value"));
                if (strstr(xml_attribute(e, "value"), "io_uring"))
                        plan_calls(p, CALLS_IO_URING);
                build_paths(xml_attribute(e, "value"), e->place.line, p, &left);
        }
        XML_FOREACH(e, q->command_line, "qemu:env")
                plan_directive(
                        p, "Environment", "%s=%s", xml_attribute(e, "name"),
                        xml_attribute(e, "value") ?: "");
}

const GuestPart part_qemu_namespace = {
        GUEST_PART(QemuNamespace, qemu_namespace),
        .read = qemu_namespace_read,
        .build = qemu_namespace_build_first,
        .build_last = qemu_namespace_build_last,
};
