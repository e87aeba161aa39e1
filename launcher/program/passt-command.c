/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * passt is started beside QEMU in the guest's unit, and in a unit of its own for a card that a guest gets
 * while it runs. Its command line is the same in both.
 */

#include "launcher/program/passt-command.h"

#include <string.h>
#include <unistd.h>

const char *passt_program(void)
{
        static const char *const programs[] = { "/usr/local/bin/passt", "/usr/bin/passt" };

        for (size_t i = 0; i < ELEMENTS(programs); i++)
                if (access(programs[i], X_OK) == 0)
                        return programs[i];
        return NULL;
}

static int add(Strings *argv, const char *option, const char *value)
{
        int r = strings_add(argv, option);

        return r < 0 ? r : strings_add(argv, value);
}

static int add_all(Strings *argv, const char *option, const Strings *values)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < values->count; i++)
                r = add(argv, option, values->items[i]);
        return r;
}

/* The ranges of --passt= are joined by "+", as its keys are by commas. */
static int add_ports(Strings *argv, const PasstRequest *q, bool udp)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < q->n_forwards; i++) {
                if (q->forwards[i].udp != udp)
                        continue;
                r = add(argv, udp ? "--udp-ports" : "--tcp-ports", q->forwards[i].ports);
                for (char *p = r < 0 ? NULL : strchr(argv->items[argv->count - 1], '+'); p;
                     p = strchr(p, '+'))
                        *p = ',';
        }
        return r;
}

int passt_command(const PasstRequest *o, const char *program, int fd, Strings *ret)
{
        const struct {
                const char *option, *value;
        } texts[] = {
                { "--interface", o->interface }, { "--mtu", o->mtu },   { "--netmask", o->netmask },
                { "--hostname", o->hostname },   { "--fqdn", o->fqdn }, { "--log-file", o->log_file },
        };
        int r;

        r = strings_add(ret, program);
        r = r < 0 ? r : strings_add(ret, "--foreground");
        r = r < 0 ? r : strings_add(ret, "--fd");
        r = r < 0 ? r : strings_addf(ret, "%d", fd);
        if (r >= 0 && o->socket)
                r = strings_add(ret, "--vhost-user");
        for (size_t i = 0; r >= 0 && i < ELEMENTS(texts); i++)
                if (texts[i].value)
                        r = add(ret, texts[i].option, texts[i].value);
        r = r < 0 ? r : add_all(ret, "--address", &o->addresses);
        r = r < 0 ? r : add_all(ret, "--gateway", &o->gateways);
        r = r < 0 ? r : add_ports(ret, o, false);
        return r < 0 ? r : add_ports(ret, o, true);
}
