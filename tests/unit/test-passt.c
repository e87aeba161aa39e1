/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>

#include "launcher/program/passt-command.h"
#include "tests/unit/test.h"

static void is_command(const char *option, const char *expected)
{
        _cleanup_(freep) char *text = NULL;
        PasstList list = { 0 };
        Strings argv = { 0 };

        CHECK_NUMBER(passt_list_read(option, &list), 0);
        CHECK_NUMBER(list.count, 1);
        CHECK_NUMBER(passt_command(&list.items[0], "passt", 3, &argv), 0);
        for (size_t i = 0; i < argv.count; i++) {
                _cleanup_(freep) char *before = TAKE_PTR(text);

                text = text_format("%s%s%s", before ?: "", before ? " " : "", argv.items[i]);
        }
        CHECK_TEXT(text, expected);
        strings_done(&argv);
        passt_list_done(&list);
}

static void test_command(void)
{
        is_command("id=n,fd=76,use=require", "passt --foreground --fd 3");
        is_command("id=n,socket=s,use=try,mtu=1400", "passt --foreground --fd 3 --vhost-user --mtu 1400");
        is_command(
                "id=n,fd=76,use=require,address=192.0.2.5,netmask=24,address=2001:db8::5,gateway=192.0.2.1,"
                "interface=eth0,log-file=/l,hostname=h,fqdn=h.example",
                "passt --foreground --fd 3 --interface eth0 --netmask 24 --hostname h --fqdn h.example "
                "--log-file /l --address 192.0.2.5 --address 2001:db8::5 --gateway 192.0.2.1");
        is_command(
                "id=n,fd=76,use=require,tcp=127.0.0.1%lo/2022:22+80-90:8080-8090+~85,udp=all,tcp=::1/1+2+3",
                "passt --foreground --fd 3 --tcp-ports 127.0.0.1%lo/2022:22,80-90:8080-8090,~85 --tcp-ports "
                "::1/1,2,3 --udp-ports all");
}

static void is_refused(const char *option)
{
        PasstList list = { 0 };

        CHECK_NUMBER(passt_list_read(option, &list), -EINVAL);
        CHECK_NUMBER(list.count, 0);
        passt_list_done(&list);
}

static void test_refused(void)
{
        is_refused("");
        is_refused("id=n,fd=76");
        is_refused("id=n,use=require");
        is_refused("fd=76,use=require");
        is_refused("id=n,fd=2,use=require");
        is_refused("id=n,fd=4001,use=require");
        is_refused("id=n,fd=76,use=maybe");
        is_refused("id=n,fd=76,use=require,pcap=/etc/x");
        is_refused("id=n,fd=76,use=require,log-file=x");
        is_refused("id=n,fd=76,fd=77,use=require");
        is_refused("id=n,fd=76,use=require,socket=s");
}

int main(void)
{
        test_command();
        test_refused();
        return 0;
}
